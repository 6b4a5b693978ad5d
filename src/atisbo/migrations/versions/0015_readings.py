"""Readings and panels"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("reviews", sa.Column("standing", sa.String(length=12), server_default="own", nullable=False))
    op.create_check_constraint(op.f("ck_reviews_standing"), "reviews", "standing IN ('own','reader','adjudication')")
    op.create_table(
        "readings",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("reader_id", sa.Uuid(), nullable=False),
        sa.Column("drawn", sa.String(length=12), nullable=False),
        sa.Column("chance", sa.Float(), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("drawn IN ('worth','random','panel','adjudication')", name=op.f("ck_readings_drawn")),
        sa.CheckConstraint("(drawn = 'random') = (chance IS NOT NULL)", name=op.f("ck_readings_chance")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_readings_prediction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["reader_id"], ["users.id"], name=op.f("fk_readings_reader_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_readings")),
        sa.UniqueConstraint("prediction_id", "reader_id", name=op.f("uq_readings_prediction_id")),
    )
    op.create_index("ix_readings_reader", "readings", ["reader_id", "answered_at"], unique=False)
    op.create_table(
        "panels",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("hidden", sa.Boolean(), nullable=False),
        sa.Column("asked_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("agreed", sa.Boolean(), nullable=True),
        sa.Column("dice", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_panels_prediction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["asked_by"], ["users.id"], name=op.f("fk_panels_asked_by"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_panels")),
        sa.UniqueConstraint("prediction_id", name=op.f("uq_panels_prediction_id")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
