"""Programs that train: which parts are read, what starts what, and how runs follow from the recorded events."""
