"""Alembic's entry point; run by callcenter.storage.schema, never by the alembic command."""

from alembic import context

from callcenter.storage.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()
