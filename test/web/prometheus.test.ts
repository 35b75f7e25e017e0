import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Fault } from '../../src/kernel/fault.ts';
import { HEALTH_CODES, HEALTH_REASONS } from '../../src/operations/health-reasons.ts';
import { METRICS, type MetricName } from '../../src/operations/metrics.ts';
import type { MetricsView } from '../../src/operations/results/metrics.ts';
import { HEALTH_ROUTES } from '../../src/web/health-routes.ts';
import { prometheusText } from '../../src/web/prometheus.ts';
import type { RouteCall } from '../../src/web/route.ts';
import { requiredProgram } from '../programs.ts';

const route = (path: string) => HEALTH_ROUTES.find((one) => one.path === path)!;
const call = (askHost: unknown, isPublic = false) => ({ askHost, isPublic, params: {} }) as unknown as RouteCall;
const frozen = async () => {
  throw new Fault({ code: 'HOST_SILENT', message: 'the host gave no answer' });
};

/** A sample of each metric, with labels that hold what a label may not hold as it is. */
function sampleOf(name: MetricName, label: string): MetricsView['samples'] {
  const labels = Object.fromEntries(METRICS[name].labels.map((one) => [one, label]));
  if (METRICS[name].kind !== 'histogram') return [{ metric: name, labels, value: 1.5 }];
  return [
    { metric: name, part: 'bucket', labels: { ...labels, le: '0.1' }, value: 1 },
    { metric: name, part: 'bucket', labels: { ...labels, le: '+Inf' }, value: 2 },
    { metric: name, part: 'sum', labels, value: 0.3 },
    { metric: name, part: 'count', labels, value: 2 },
  ];
}

test('promtool of Debian finds nothing wrong with any metric, whatever its labels hold', () => {
  const promtool = requiredProgram('promtool');
  const names = Object.keys(METRICS) as MetricName[];
  for (const label of ['a', 'back\\slash', 'quote"s', 'two\nlines', 'Grüße {x="y"} #', '\\n', '']) {
    const text = prometheusText(names.toReversed().flatMap((name) => sampleOf(name, label)));
    const said = execFileSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8', stdio: 'pipe' });
    expect(said, label).toBe('');
  }
});

test('a label comes back as it was, and never ends its line', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (label) => {
      const text = prometheusText([{ metric: 'daruma_loop_age_seconds', labels: { loop: label }, value: 1 }]);
      const line = text.split('\n').at(-2)!;
      const [, quoted] = /^daruma_loop_age_seconds\{loop="(.*)"\} 1$/s.exec(line) ?? [];
      expect(quoted?.replace(/\\(.)/g, (_all, one: string) => (one === 'n' ? '\n' : one))).toBe(label);
    }),
  );
});

describe('a probe', () => {
  test.each(HEALTH_CODES)('shows %s with its name, and not the words of an error', async (code) => {
    const health = { state: 'x', reasons: [{ code, who: 'shop', text: 'password hunter2 is wrong' }] };
    const probes = ['livez', 'readyz', 'healthz'] as const;
    for (const probe of probes) {
      const { status, body } = await route(`/${probe}`).answer(call(async () => health));
      const isRed = probes.indexOf(HEALTH_REASONS[code].probe) <= probes.indexOf(probe);
      expect(status).toBe(isRed ? 503 : 200);
      if (isRed) expect(body).toMatchObject({ reasons: [{ code, who: 'shop' }] });
      expect(JSON.stringify(body)).not.toContain('hunter2');
    }
  });

  test.each(['/livez', '/readyz', '/healthz'])('%s of a host that does not answer is red', async (path) => {
    const { status, body } = await route(path).answer(call(frozen));
    expect(status).toBe(503);
    expect(body).toMatchObject({ state: 'down', reasons: [{ code: 'HOST_SILENT', who: 'host' }] });
  });

  test('shows its state alone where the world may ask', async () => {
    expect((await route('/healthz').answer(call(frozen, true))).body).toEqual({ state: 'down' });
    expect((await route('/metrics').answer(call(frozen, true))).status).toBe(403);
  });
});

test('metrics of a host that does not answer say that it is not up, and nothing else', async () => {
  const { status, body } = await route('/metrics').answer(call(frozen));
  expect(status).toBe(200);
  expect(body).toMatch(/\ndaruma_up 0\n$/);
});
