"""Versions of the networks, and which was active when"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "versions",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("card", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("model", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False),
        sa.Column("run_id", sa.Uuid(), nullable=True),
        sa.Column("dataset_id", sa.Uuid(), nullable=True),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.String(length=2000), nullable=False),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("evaluation", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shadow_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint(
            "state IN ('received','refused','submitted','evaluated','active','retired')",
            name=op.f("ck_versions_state"),
        ),
        sa.CheckConstraint("(state = 'refused') = (failure IS NOT NULL)", name=op.f("ck_versions_failure")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_versions_created_by"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["versions.id"], name=op.f("fk_versions_parent_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_versions")),
        sa.UniqueConstraint("application", "name", name=op.f("uq_versions_application")),
    )
    op.create_index(
        "uq_versions_active", "versions", ["application"], unique=True, postgresql_where=sa.text("state = 'active'")
    )
    op.create_table(
        "activations",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("version_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=2000), nullable=False),
        sa.Column("verdict", sa.String(length=30), nullable=True),
        sa.Column("by_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('installed','promotion','rollback')", name=op.f("ck_activations_kind")),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name=op.f("fk_activations_by_id"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["version_id"], ["versions.id"], name=op.f("fk_activations_version_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
    )
    op.create_index(op.f("ix_activations_version_id"), "activations", ["version_id"], unique=False)
    op.create_index("ix_activations_application_at", "activations", ["application", "at"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
