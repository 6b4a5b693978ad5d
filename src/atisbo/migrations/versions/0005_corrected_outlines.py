"""Corrected outlines"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reviews", sa.Column("mask", sa.String(length=64), nullable=True))
    op.add_column("reviews", sa.Column("mask_state", sa.String(length=10), nullable=True))
    op.add_column("reviews", sa.Column("mask_sent", sa.String(length=64), nullable=True))
    op.add_column("reviews", sa.Column("mask_dice", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.add_column("reviews", sa.Column("mask_failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.create_check_constraint(op.f("ck_reviews_mask_state"), "reviews", "mask_state IN ('checking','kept','refused')")
    op.create_check_constraint(op.f("ck_reviews_mask_sent"), "reviews", "(mask_state IS NULL) = (mask_sent IS NULL)")
    op.create_check_constraint(
        op.f("ck_reviews_mask"), "reviews", "(mask_state IS NOT DISTINCT FROM 'kept') = (mask IS NOT NULL)"
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
