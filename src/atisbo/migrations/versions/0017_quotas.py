"""How much each user keeps and may keep; links to set a new password"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_COUNT = """
    CREATE FUNCTION atisbo_usage() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN
            INSERT INTO usage (user_id, images, bytes)
            SELECT owner_id, count(*), sum(byte_size) FROM changed GROUP BY owner_id
            ON CONFLICT (user_id) DO UPDATE
            SET images = usage.images + EXCLUDED.images, bytes = usage.bytes + EXCLUDED.bytes;
        ELSE
            UPDATE usage u SET images = u.images - gone.images, bytes = u.bytes - gone.bytes
            FROM (SELECT owner_id, count(*) AS images, sum(byte_size) AS bytes FROM changed GROUP BY owner_id) gone
            WHERE u.user_id = gone.owner_id;
        END IF;
        RETURN NULL;
    END $$
"""


def upgrade() -> None:
    op.add_column("users", sa.Column("max_images", sa.Integer(), nullable=True))
    op.add_column("users", sa.Column("max_bytes", sa.BigInteger(), nullable=True))
    op.add_column("users", sa.Column("reset_hash", sa.LargeBinary(), nullable=True))
    op.add_column("users", sa.Column("reset_until", sa.DateTime(timezone=True), nullable=True))
    op.create_unique_constraint(op.f("uq_users_reset_hash"), "users", ["reset_hash"])
    op.create_table(
        "usage",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("images", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_usage_user_id"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_usage")),
    )
    op.execute("INSERT INTO usage SELECT owner_id, count(*), sum(byte_size) FROM images GROUP BY owner_id")
    op.execute(_COUNT)
    for event, table in (("INSERT", "NEW"), ("DELETE", "OLD")):
        op.execute(
            f"CREATE TRIGGER counted_{event.lower()} AFTER {event} ON images REFERENCING {table} TABLE AS changed "
            "FOR EACH STATEMENT EXECUTE FUNCTION atisbo_usage()"
        )


def downgrade() -> None:
    raise NotImplementedError("restore a backup instead")
