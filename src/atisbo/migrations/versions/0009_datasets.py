"""Datasets"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_assignments",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("split", sa.String(length=10), nullable=False),
        sa.CheckConstraint("split IN ('training','validation','test')", name=op.f("ck_dataset_assignments_split")),
        sa.PrimaryKeyConstraint("application", "key", name=op.f("pk_dataset_assignments")),
    )
    op.create_table(
        "dataset_divisions",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("group_by", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("shares", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_dataset_divisions")),
    )
    op.create_table(
        "datasets",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("status", sa.String(length=10), nullable=False),
        sa.Column("filters", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("plan", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("failure", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("created_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(status = 'failed') = (failure IS NOT NULL)", name=op.f("ck_datasets_failure")),
        sa.CheckConstraint("(status = 'ready') = (sha256 IS NOT NULL)", name=op.f("ck_datasets_ready")),
        sa.CheckConstraint("status IN ('building','ready','failed')", name=op.f("ck_datasets_status")),
        sa.ForeignKeyConstraint(["created_by"], ["users.id"], name=op.f("fk_datasets_created_by"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_datasets")),
    )
    op.create_index("ix_datasets_application_created", "datasets", ["application", "created_at"], unique=False)
    op.create_table(
        "dataset_items",
        sa.Column("dataset_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=True),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column("prediction_id", sa.Uuid(), nullable=True),
        sa.Column("review_id", sa.Uuid(), nullable=True),
        sa.Column("review_version", sa.Integer(), nullable=True),
        sa.Column("region", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("picture", sa.String(length=64), nullable=True),
        sa.Column("ending", sa.String(length=5), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=True),
        sa.Column("stratum", sa.String(length=200), nullable=True),
        sa.Column("masks", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("owner", sa.String(length=16), nullable=True),
        sa.Column("likeness", sa.LargeBinary(), nullable=True),
        sa.Column("nonce", sa.String(length=32), nullable=True),
        sa.Column("split", sa.String(length=10), nullable=True),
        sa.Column("group_name", sa.String(length=16), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("buried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("buried_why", sa.String(length=10), nullable=True),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("split IN ('training','validation','test')", name=op.f("ck_dataset_items_split")),
        sa.CheckConstraint("(buried_at IS NULL) = (buried_why IS NULL)", name=op.f("ck_dataset_items_buried_why")),
        sa.CheckConstraint("(buried_at IS NULL) = (picture IS NOT NULL)", name=op.f("ck_dataset_items_buried")),
        sa.CheckConstraint(
            "picture IS NOT NULL OR (label IS NULL AND masks IS NULL AND facts IS NULL "
            "AND owner IS NULL AND region IS NULL AND likeness IS NULL AND nonce IS NULL "
            "AND group_name IS NULL AND stratum IS NULL)",
            name=op.f("ck_dataset_items_empty"),
        ),
        sa.CheckConstraint("picture IS NULL OR image_id IS NOT NULL", name=op.f("ck_dataset_items_image")),
        sa.ForeignKeyConstraint(
            ["dataset_id"], ["datasets.id"], name=op.f("fk_dataset_items_dataset_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["image_id"], ["images.id"], name=op.f("fk_dataset_items_image_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_dataset_items_prediction_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["review_id"], ["reviews.id"], name=op.f("fk_dataset_items_review_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dataset_items")),
        sa.UniqueConstraint("dataset_id", "prediction_id", name=op.f("uq_dataset_items_dataset_id")),
    )
    op.create_index("ix_dataset_items_dataset", "dataset_items", ["dataset_id", "number"], unique=False)
    op.create_index("ix_dataset_items_image", "dataset_items", ["image_id"], unique=False)
    op.create_index("ix_dataset_items_picture", "dataset_items", ["picture"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
