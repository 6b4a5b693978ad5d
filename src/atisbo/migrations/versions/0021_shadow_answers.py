"""What candidates answer in silence"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "shadow_answers",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("beside", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("findings", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("agreement", sa.Float(), nullable=False),
        sa.Column("same", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("status IN ('done','unsure','refused','failed')", name=op.f("ck_shadow_answers_status")),
        sa.CheckConstraint("agreement BETWEEN 0 AND 1", name=op.f("ck_shadow_answers_agreement")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_shadow_answers_prediction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["version_id"], ["versions.id"], name=op.f("fk_shadow_answers_version_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("prediction_id", "version_id", name=op.f("pk_shadow_answers")),
    )
    op.create_index("ix_shadow_answers_agreement", "shadow_answers", ["version_id", "agreement"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
