"""SWI-Prolog as the teacher: the solver, the engine in its supervised child, texts in and out."""
