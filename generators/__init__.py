"""Problems, teachers and verifiers: one folder a domain, all behind the contract in `domain.py`."""
