"""The report's page: findings from artifacts, tables and plots of them, and the template that sets them."""
