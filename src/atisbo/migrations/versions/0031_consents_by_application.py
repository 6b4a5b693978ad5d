"""A yes to learning from an image for each application that asked"""

import sqlalchemy as sa
from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("uq_consents_training", table_name="consents")
    op.create_index(
        "uq_consents_training",
        "consents",
        ["image_id", "application"],
        unique=True,
        postgresql_where=sa.text("kind = 'training' AND withdrawn_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
