"""Pictures of one label are counted and looked at by themselves where they are few"""

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("ix_embeddings_application", "embeddings")
    op.create_index("ix_embeddings_application", "embeddings", ["application", "version", "label"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
