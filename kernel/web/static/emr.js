// A page made for the printer prints itself once.
if (document.querySelector("[data-print]")) window.print();
