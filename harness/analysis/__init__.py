"""From a run folder to figures. Pure: reads files, returns values; no engine, network or clock."""
