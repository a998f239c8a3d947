# SPDX-License-Identifier: Apache-2.0
"""What the integration tests share. Plain Python and psycopg2; nothing of Penstock's own code."""
