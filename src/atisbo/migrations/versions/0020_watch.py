"""How light the pictures are, to see when other ones come"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("brightness", sa.REAL(), nullable=True))
    op.add_column("predictions", sa.Column("contrast", sa.REAL(), nullable=True))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
