"""How many codes of a second factor were wrong in a row"""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("second_factors", sa.Column("wrong", sa.Integer(), nullable=False, server_default="0"))
    op.alter_column("second_factors", "wrong", server_default=None)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
