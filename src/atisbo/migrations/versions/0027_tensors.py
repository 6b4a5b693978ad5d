"""Tensors of programs on their way to a worker and back"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "tensors",
        sa.Column("application", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("shape", postgresql.JSONB(), nullable=False),
        sa.Column("pixels", sa.LargeBinary(), nullable=False),
        sa.Column("said", postgresql.JSONB(none_as_null=True), nullable=True),
        sa.Column("answer", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tensors")),
        prefixes=["UNLOGGED"],
    )
    op.create_index(op.f("ix_tensors_created_at"), "tensors", ["created_at"])


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
