"""Pairs of pictures"""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("predictions", sa.Column("pair_id", sa.Uuid(), nullable=True))
    op.add_column("predictions", sa.Column("side", sa.String(length=60), nullable=True))
    op.create_check_constraint(op.f("ck_predictions_pair"), "predictions", "(pair_id IS NULL) = (side IS NULL)")
    op.create_index("ix_predictions_pair", "predictions", ["pair_id"], postgresql_where=sa.text("pair_id IS NOT NULL"))


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
