"""The GPUs of this machine, and which job may use which of them.

cards    the cards that are visible, with their free memory
claims   who uses a card and who waits for one: files that the kernel locks as long as a job lives
turns    which cards a job may take now
pinning  a job takes its cards, and sees no others
"""
