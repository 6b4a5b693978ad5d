"""Embeddings and collections"""

import sqlalchemy as sa
from alembic import op

from atisbo.store.vectors import VectorType

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE EXTENSION IF NOT EXISTS vector")
    op.add_column("images", sa.Column("shared", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.create_table(
        "collections",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=True),
        sa.Column("shipped", sa.String(length=64), nullable=True),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_collections")),
    )
    op.create_table(
        "collection_items",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("file_name", sa.String(length=200), nullable=False),
        sa.Column("label", sa.String(length=100), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("licence", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["application"],
            ["collections.application"],
            name=op.f("fk_collection_items_application"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_collection_items")),
        sa.UniqueConstraint("application", "sha256", name=op.f("uq_collection_items_application")),
    )
    op.create_index("ix_collection_items_created", "collection_items", ["application", "created_at", "id"])
    op.create_table(
        "embeddings",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("prediction_id", sa.Uuid(), nullable=True),
        sa.Column("image_id", sa.Uuid(), nullable=True),
        sa.Column("item_id", sa.Uuid(), nullable=True),
        sa.Column("label", sa.String(length=100), nullable=True),
        sa.Column("vector", VectorType(), nullable=True),
        sa.Column("palette", VectorType(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.CheckConstraint("(prediction_id IS NULL) <> (item_id IS NULL)", name=op.f("ck_embeddings_subject")),
        sa.CheckConstraint("(prediction_id IS NULL) = (image_id IS NULL)", name=op.f("ck_embeddings_image")),
        sa.ForeignKeyConstraint(
            ["prediction_id"], ["predictions.id"], name=op.f("fk_embeddings_prediction_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["image_id"], ["images.id"], name=op.f("fk_embeddings_image_id"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["item_id"], ["collection_items.id"], name=op.f("fk_embeddings_item_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_embeddings")),
        sa.UniqueConstraint("prediction_id", "version", name=op.f("uq_embeddings_prediction_id")),
        sa.UniqueConstraint("item_id", "version", name=op.f("uq_embeddings_item_id")),
    )
    op.create_index("ix_embeddings_image_id", "embeddings", ["image_id"])
    op.create_index("ix_embeddings_application", "embeddings", ["application", "version"])
    of_image = "(kind IN ('training','sharing'))"
    for name in ("kind", "image", "application"):
        op.drop_constraint(op.f(f"ck_consents_{name}"), "consents", type_="check")
    op.create_check_constraint(op.f("ck_consents_kind"), "consents", "kind IN ('use','training','sharing')")
    op.create_check_constraint(op.f("ck_consents_image"), "consents", f"{of_image} = (image_id IS NOT NULL)")
    op.create_check_constraint(
        op.f("ck_consents_application"), "consents", "(kind = 'training') = (application IS NOT NULL)"
    )
    op.create_index(
        "uq_consents_sharing",
        "consents",
        ["image_id"],
        unique=True,
        postgresql_where=sa.text("kind = 'sharing' AND withdrawn_at IS NULL"),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
