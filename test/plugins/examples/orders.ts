import { definePlugin, z } from 'daruma';
import { pool } from 'daruma/pg';

export default definePlugin({
  about: 'Ships the orders that are paid, each once.',
  schedule: '* * * * *',
  settings: z.strictObject({
    database: z.string().default('postgres://shop@db.example:5432/shop?sslmode=verify-full'),
  }),
  needs: { net: ['settings.database'], secrets: ['SHOP_DB_PASSWORD'] },
  limits: { timeout: '1m' },
  async run({ settings, secrets, summary }) {
    const db = pool(settings.database, { password: secrets.SHOP_DB_PASSWORD, max: 2 });
    const shipped = await db.transaction(async (client) => {
      const { rows } = await client.query<{ id: number }>(
        'SELECT id FROM orders WHERE paid AND shipped IS NULL ORDER BY id LIMIT $1 FOR UPDATE SKIP LOCKED',
        [100],
      );
      const ids = rows.map(({ id }) => id);
      await client.query('UPDATE orders SET shipped = now() WHERE id = ANY($1)', [ids]);
      return ids;
    });
    summary(`${shipped.length} orders shipped`);
    return { shipped };
  },
});
