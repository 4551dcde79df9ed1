"""The main job, walked through real HTTP: three people from the scan to the signed record on their phone."""
