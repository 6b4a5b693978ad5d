"""Alembic's entry: runs on the connection that ``store.schema`` hands over."""

from alembic import context

from atisbo.store.schema import include_object, metadata

connection = context.config.attributes["connection"]
context.configure(connection=connection, target_metadata=metadata, include_object=include_object)
with context.begin_transaction():
    context.run_migrations()
