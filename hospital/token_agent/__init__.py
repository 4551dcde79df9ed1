"""The program at a doctor's own PC that signs with the USB token in it: shows what is signed, asks the PIN, keeps nothing."""
