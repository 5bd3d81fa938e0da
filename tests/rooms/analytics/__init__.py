"""The reports, figure by figure."""
