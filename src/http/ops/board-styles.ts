/**
 * Bull Board has no option to hide single buttons, so those that the server refuses are hidden here; nothing depends on
 * it. Retry is known by its icon, which no language changes. Its class names end in a hash and are matched by their
 * beginning.
 */
export const boardStyles = `
[class^="jobActions-"] > li:not(:has(.lucide-refresh-cw)),
[class^="queueActions-"] > li:not(:has(.lucide-refresh-cw)),
[role="menu"]:has([class*="danger-"]) > [role="menuitem"]:not(:has(.lucide-refresh-cw)),
[role="menuitem"]:has(.lucide-pause, .lucide-play) { display: none }
`
