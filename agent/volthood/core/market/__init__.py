"""The market: the round, the book of orders, the price rules, and what a clearing yields."""
