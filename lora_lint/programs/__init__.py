"""Programs that train: which parts are read, what starts what, and from what happened to the runs."""
