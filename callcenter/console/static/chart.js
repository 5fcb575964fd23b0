// A bar chart of one figure. The table beside it says the same in numbers; this is the picture of it.
import { html } from "./markup.js";

const WIDTH = 720;
const HEIGHT = 220;
const LEFT = 56;
const TOP = 12;
const BOTTOM = 24;
const MOST_LABELS = 12;

/** The next round number: 1, 2 or 5 with zeros.
 * @param {number} most */
export function ceiling(most) {
  if (most <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(most));
  return ([1, 2, 5, 10].find((step) => step * power >= most) ?? 10) * power;
}

/** @param {{ title: string, bars: { label: string, value: number | null }[], target: number | null, top?: number,
 *   said: (value: number) => string }} chart */
export function Chart({ title, bars, target, top, said }) {
  const most = top ?? ceiling(Math.max(0, ...bars.map(({ value }) => value ?? 0)));
  const step = (WIDTH - LEFT) / Math.max(1, bars.length);
  const width = Math.min(48, step * 0.8);
  /** @param {number} value */
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const every = Math.ceil(bars.length / MOST_LABELS);
  return html`<svg class="chart" role="img" aria-label=${title} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`}>
    <title>${title}</title>
    ${[0, most / 2, most].map((value) => html`<g>
      <line class="chart-line" x1=${LEFT} x2=${WIDTH} y1=${y(value)} y2=${y(value)} />
      <text class="chart-text" x=${LEFT - 6} y=${y(value) + 4} text-anchor="end">${said(value)}</text>
    </g>`)}
    ${bars.map(({ label, value }, n) => {
      const middle = LEFT + step * (n + 0.5);
      return html`<g>
        ${value !== null && html`<rect class="chart-bar" x=${middle - width / 2} y=${y(value)} width=${width}
          height=${y(0) - y(value)}><title>${label}: ${said(value)}</title></rect>`}
        ${n % every === 0 && html`<text class="chart-text" x=${middle} y=${HEIGHT - 6} text-anchor="middle">${label}</text>`}
      </g>`;
    })}
    ${target !== null && html`<line class="chart-target" x1=${LEFT} x2=${WIDTH} y1=${y(target)} y2=${y(target)} />`}
  </svg>`;
}
