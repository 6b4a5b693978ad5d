"""Maps of embeddings"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "maps",
        sa.Column("application", sa.String(length=60), nullable=False),
        sa.Column("version", sa.String(length=100), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("explained", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("application", name=op.f("pk_maps")),
    )
    op.create_table(
        "map_points",
        sa.Column("embedding_id", sa.Uuid(), nullable=False),
        sa.Column("pca", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("umap", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("flat", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.Column("kin", sa.String(length=100), nullable=True),
        sa.ForeignKeyConstraint(
            ["embedding_id"], ["embeddings.id"], name=op.f("fk_map_points_embedding_id_embeddings"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("embedding_id", name=op.f("pk_map_points")),
    )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
