"""The stages of runs, uploads and accounts: plain functions of the item and its ports."""
