/** Inline, so that the page is one answer; the Content-Security-Policy names its hash. */
export const landingStyle = `
:root{color-scheme:light dark;--ink:#1c2024;--soft:#60646c;--paper:#fcfcfd;--card:#f0f0f3;--edge:#d9d9e0;--blue:#3556c9;--on-blue:#fff}
@media (prefers-color-scheme:dark){:root{--ink:#edeef0;--soft:#b0b4ba;--paper:#111113;--card:#212225;--edge:#43484e;--blue:#9eb1ff;--on-blue:#111113}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:17px/1.5 system-ui,sans-serif}
main{max-width:42rem;margin:0 auto;padding:1.25rem 1rem 3rem}
h1{font-size:1.6rem;display:flex;align-items:center;gap:.6rem;margin:.5rem 0 1rem}
h2{font-size:1.2rem;margin:2rem 0 .5rem}
a{color:var(--blue)}
.mark{width:1.7rem;height:1.7rem}
.picture{display:block;width:100%;max-width:20rem;margin:1rem auto}
.outline{fill:none;stroke:var(--soft);stroke-width:3;stroke-linecap:round}
.line{fill:none;stroke:var(--soft);stroke-width:3;stroke-dasharray:2 8;stroke-linecap:round}
.lock{fill:var(--blue)}
.shackle{fill:none;stroke:var(--blue);stroke-width:4}
.button{display:block;text-align:center;padding:.8rem 1rem;border-radius:.6rem;background:var(--blue);color:var(--on-blue);font-weight:600;text-decoration:none}
details{border:1px solid var(--edge);border-radius:.6rem;margin:.5rem 0;background:var(--card)}
summary{padding:.75rem 1rem;font-weight:600;cursor:pointer}
details>ol,details>ul,details>p{margin:0;padding:0 1rem 1rem 2.2rem}
details>p{padding-left:1rem}
.note{color:var(--soft);font-size:.95rem}
code{font:.88em/1.5 ui-monospace,monospace;overflow-wrap:anywhere}
.print{background:var(--card);border:1px solid var(--edge);border-radius:.6rem;padding:.75rem 1rem;text-align:center}
.print code{font-size:1rem}
:focus-visible{outline:3px solid var(--blue);outline-offset:2px}
`
