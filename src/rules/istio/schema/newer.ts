/** Fields of Istio's newer API: nobody in 1.29 knows them, nor do we. */
export const NEWER: ReadonlySet<string> = new Set(['prefixRewrite', 'zoneAwareLbSetting', 'http2KeepAlive', 'budgetInterval'])
