"""Reviews and consents"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("prediction_id", sa.Uuid(), nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=True),
        sa.Column("answers", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("superseded_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("verdict IN ('right','wrong','unknown')", name=op.f("ck_reviews_verdict")),
        sa.CheckConstraint("version >= 1", name=op.f("ck_reviews_version")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_reviews_prediction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_reviews_author_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reviews")),
        sa.UniqueConstraint("prediction_id", "author_id", "version", name=op.f("uq_reviews_prediction_id")),
    )
    op.create_index(
        "uq_reviews_current",
        "reviews",
        ["prediction_id", "author_id"],
        unique=True,
        postgresql_where=sa.text("superseded_at IS NULL"),
    )
    op.create_index("ix_reviews_author_created", "reviews", ["author_id", "created_at"], unique=False)
    op.create_table(
        "consents",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("application", sa.String(length=60), nullable=True),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=5), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("kind IN ('use','training')", name=op.f("ck_consents_kind")),
        sa.CheckConstraint("(kind = 'training') = (image_id IS NOT NULL)", name=op.f("ck_consents_image")),
        sa.CheckConstraint("(kind = 'training') = (application IS NOT NULL)", name=op.f("ck_consents_application")),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_consents_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_consents_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index(
        "uq_consents_use",
        "consents",
        ["user_id", "version"],
        unique=True,
        postgresql_where=sa.text("kind = 'use' AND withdrawn_at IS NULL"),
    )
    op.create_index(
        "uq_consents_training",
        "consents",
        ["image_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'training' AND withdrawn_at IS NULL"),
    )
    op.create_index("ix_consents_user", "consents", ["user_id", "given_at"], unique=False)
    op.create_index("ix_consents_image", "consents", ["image_id"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
