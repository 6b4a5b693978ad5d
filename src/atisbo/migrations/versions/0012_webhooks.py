"""Webhooks: who wants to be told of which answer, what was tried, the rotation of signing secrets"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

WHEN = sa.DateTime(timezone=True)


def _belongs(table: str, column: str, to: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE")


def upgrade() -> None:
    op.create_table(
        "webhook_keys",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("rotation", sa.Integer(), nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        _belongs("webhook_keys", "user_id", "users"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_webhook_keys")),
    )
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(2000), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("finished_at", WHEN),
        sa.CheckConstraint("state IN ('armed','sending','delivered','given_up')", name=op.f("ck_webhooks_state")),
        sa.CheckConstraint("(state IN ('armed','sending')) = (finished_at IS NULL)", name=op.f("ck_webhooks_finished")),
        _belongs("webhooks", "prediction_id", "predictions"),
        _belongs("webhooks", "owner_id", "users"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("prediction_id", name=op.f("uq_webhooks_prediction_id")),
    )
    op.create_index("ix_webhooks_owner_created", "webhooks", ["owner_id", "created_at"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("took_ms", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("problem", sa.String(40)),
        sa.CheckConstraint("(status IS NULL) = (problem IS NOT NULL)", name=op.f("ck_webhook_deliveries_said")),
        _belongs("webhook_deliveries", "webhook_id", "webhooks"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(op.f("ix_webhook_deliveries_webhook_id"), "webhook_deliveries", ["webhook_id"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
