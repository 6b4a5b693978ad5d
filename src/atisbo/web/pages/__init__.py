"""The pages people see."""

from atisbo.web.pages import (
    about,
    account,
    batch,
    business,
    cards,
    entry,
    gallery,
    guides,
    home,
    images,
    manage,
    terms,
    users,
    workbench,
)

_pages = (
    home,
    about,
    entry,
    account,
    business,
    workbench,
    batch,
    cards,
    guides,
    terms,
    images,
    manage,
    gallery,
    users,
)
routers = [page.router for page in _pages]
