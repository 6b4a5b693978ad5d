"""The pages people see."""

from atisbo.web.pages import account, cards, entry, guides, home, images, terms, users, workbench

_pages = (home, entry, account, workbench, cards, guides, terms, images, users)
routers = [page.router for page in _pages]
