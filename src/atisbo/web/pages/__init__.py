"""The pages people see."""

from atisbo.web.pages import account, cards, entry, home, images, users, workbench

routers = [home.router, entry.router, account.router, workbench.router, cards.router, images.router, users.router]
