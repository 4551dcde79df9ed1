// Starts everything a page may hold. Each module looks for its own data- attributes and does nothing without them.
import "./keyboard.js";
import "./scan.js";
import "./combobox.js";
import "./fields.js";
import "./dialog.js";
import "./toast.js";
import "./live.js";
import "./keep.js";
import "./autosave.js";
import "./countdown.js";
import "./qr.js";
import "./rows.js";
import "./idle.js";
import "./session.js";
