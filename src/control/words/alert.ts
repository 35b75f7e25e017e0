/** `1 alert: shop has failed`; of several the worst is named. */
export function openAlertWords(firing: number, worst: string): string {
  return firing === 1 ? `1 alert: ${worst}` : `${firing} alerts, first of them: ${worst}`;
}
