/** The only style sheet of the pages. It is inlined, and Content-Security-Policy allows it by its hash. */
import { sha256, utf8ToBytes } from '../values/sha256.ts'

export const STYLE = `
:root{color-scheme:light dark;--bg:#f6f6f3;--card:#fff;--ink:#1b1e22;--soft:#575e66;--line:#dfdfd9;--link:#1456b8;--fill:#3b7ddd;
--good:#0d7f63;--bad:#b4232c;--miss:#c9611f;--stale:#a98600;--calm:#8a929b}
@media (prefers-color-scheme:dark){:root{--bg:#101317;--card:#181d23;--ink:#e7eaee;--soft:#a3adb8;--line:#2b323b;--link:#8ab8ff;
--fill:#5d9bf5;--good:#45cba6;--bad:#ff8a8a;--miss:#f29a5e;--stale:#d9b93b;--calm:#77818c}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,sans-serif}
a{color:var(--link)}a:hover{text-decoration-thickness:2px}
:focus-visible{outline:3px solid var(--fill);outline-offset:2px;border-radius:3px}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--card);padding:.5rem 1rem;z-index:1}
header,main,footer{max-width:76rem;margin:0 auto;padding:0 1.25rem}
header{display:flex;flex-wrap:wrap;gap:.25rem 1.5rem;align-items:baseline;padding-top:1rem;padding-bottom:.75rem}
header strong{font-size:1.1rem}nav{display:flex;gap:1.1rem}nav a{padding:.2rem 0}
nav a[aria-current]{color:var(--ink);text-decoration:none;box-shadow:0 2px var(--fill)}
h1{font-size:1.45rem;line-height:1.25;margin:.75rem 0;overflow-wrap:anywhere}h2{font-size:1rem;margin:0}
p{margin:.4rem 0}.soft,figcaption p,th,dt{color:var(--soft)}footer{padding-bottom:2rem;font-size:.85rem}
.note{border-left:4px solid var(--fill);background:var(--card);padding:.6rem 1rem;margin:.75rem 0}.note.bad{border-color:var(--bad)}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(9.5rem,1fr));gap:.75rem;margin:1rem 0;padding:0}
.tiles div,figure,.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem}
.tiles dt{font-size:.85rem}.tiles dd{margin:0;font-size:1.6rem;line-height:1.25;font-variant-numeric:tabular-nums}
.tiles small{display:block;font-size:.8rem;color:var(--soft)}
.plots{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(26rem,100%),1fr));gap:.75rem}
figure{margin:0;min-width:0}figcaption p{margin:0 0 .4rem;font-size:.85rem}.card{margin:.75rem 0}.wide{grid-column:1/-1}
svg{display:block;width:100%;height:auto;overflow:visible}td.bar svg{height:12px}svg text{fill:var(--soft);font-size:11px;font-family:inherit}
svg .value{fill:var(--ink)}.axis{stroke:var(--line)}.fill{fill:var(--fill)}.good{fill:var(--good)}.miss{fill:var(--miss)}
.stale{fill:var(--stale)}.calm{fill:var(--calm)}.line{fill:none;stroke:var(--good);stroke-width:2;stroke-linejoin:round}.dot{fill:var(--good)}
.key{display:inline-block;width:.75em;height:.75em;border-radius:2px;margin:0 .35em 0 .9em;vertical-align:-.05em}
.key.good{background:var(--good)}.key.stale{background:var(--stale)}.key.miss{background:var(--miss)}
details{margin-top:.4rem;font-size:.85rem}summary{cursor:pointer;color:var(--link)}
.scroll{overflow-x:auto}table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.35rem .75rem .35rem 0;border-bottom:1px solid var(--line);vertical-align:top;font-weight:400}
thead th{font-size:.85rem;white-space:nowrap}.n,.data td,.data th:not(:first-child){text-align:right;white-space:nowrap}td.bar{width:40%;min-width:5rem;vertical-align:middle}
.name,.tag,h1,code{unicode-bidi:isolate}.name,code,pre{font-family:ui-monospace,monospace;font-size:.9em;overflow-wrap:anywhere}tbody th{color:inherit}
.tag{display:inline-block;border:1px solid var(--line);border-radius:9px;padding:0 .55em;margin:0 .3em .2em 0;font-size:.85em;overflow-wrap:anywhere}
.off{color:var(--bad)}.on{color:var(--good)}
pre{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:.8rem 1rem;margin:.5rem 0;max-height:32rem;overflow:auto;white-space:pre-wrap}
iframe{width:100%;height:24rem;border:1px solid var(--line);border-radius:10px;background:#fff}
dl.facts{display:grid;grid-template-columns:max-content 1fr;gap:.2rem 1.25rem;margin:0}dl.facts dd{margin:0;overflow-wrap:anywhere}
form{display:flex;flex-wrap:wrap;gap:.6rem .8rem;align-items:end}label{display:block;font-size:.85rem;color:var(--soft)}
input,select,button,.button{font:inherit;color:inherit;background:var(--card);border:1px solid var(--calm);border-radius:7px;padding:.35rem .7rem;min-height:2.3rem}
input[type=checkbox]{min-height:0;margin:.45rem .4rem .45rem 0}input.long{width:min(26rem,80vw)}
button,.button{cursor:pointer;text-decoration:none;display:inline-block}button:hover,.button:hover{border-color:var(--ink)}
button.bad,.button.bad{border-color:var(--bad);color:var(--bad)}.row{display:flex;flex-wrap:wrap;gap:.6rem 1.5rem;align-items:end;margin:.75rem 0}
@media (prefers-reduced-motion:no-preference){button,.button{transition:border-color .15s}}
`

/** The source expression for Content-Security-Policy. */
export const STYLE_HASH = `'sha256-${btoa(String.fromCharCode(...sha256(utf8ToBytes(STYLE))))}'`
