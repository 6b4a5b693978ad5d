"""The pages people see."""

from atisbo.web.pages import account, cards, entry, home, images, terms, users, workbench

_pages = (home, entry, account, workbench, cards, terms, images, users)
routers = [page.router for page in _pages]
