"""The predictions that ended last are found quickly: from them the pace of the queue is told"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_predictions_finished_at"), "predictions", ["finished_at"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
