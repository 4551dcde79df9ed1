"""The doctor's workbench (phòng khám): one page on which a visit is written, ordered, prescribed, signed and ended."""
