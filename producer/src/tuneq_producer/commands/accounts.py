"""`tuneq accounts`: what the accounts can do, allow and cost, how they are, and when they end."""

import click

from tuneq_producer.client import open_client
from tuneq_producer.views.account_page import account_table, print_account
from tuneq_producer.views.account_view import account_views
from tuneq_producer.views.console import open_console
from tuneq_producer.views.documents import to_json


@click.command(epilog="\b\nExamples:\n  tuneq accounts\n  tuneq accounts openai --json")
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def accounts(*, name: str | None, as_json: bool) -> None:
    """List the configured accounts, or show all about the one of that NAME.

    Neither a key nor a provider is asked: health and models are what the workers say.
    """
    client = open_client()
    names = [client.settings.account(name)[0]] if name else sorted(client.settings.accounts)
    views = list(account_views(client, names))
    if as_json:
        click.echo(to_json({"accounts": views}))
    elif name:
        print_account(open_console(), views[0])
    else:
        open_console().print(account_table(views))
