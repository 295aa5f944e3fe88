"""The independent checker of certificates. It shares no code with the compiler."""
