from atisbo.cli import app

app()
