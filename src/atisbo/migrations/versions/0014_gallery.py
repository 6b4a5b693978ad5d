"""What was found and how certain it is, to be looked for among many images"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_ANSWER = "CASE WHEN (findings ->> 'empty')::boolean THEN '' ELSE left(findings ->> 'label', 100) END"
_DOUBT = "(findings ->> 'uncertainty')::double precision"


def upgrade() -> None:
    op.add_column(
        "predictions",
        sa.Column("answer", sa.String(length=100), sa.Computed(_ANSWER, persisted=True), nullable=True),
    )
    op.add_column(
        "predictions",
        sa.Column("doubt", sa.Float(), sa.Computed(_DOUBT, persisted=True), nullable=True),
    )
    op.create_index(
        "ix_predictions_application_created", "predictions", ["application", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_predictions_application_answer", "predictions", ["application", "answer", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_predictions_troubled",
        "predictions",
        ["application", "status", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("status IN ('unsure','refused','failed')"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
