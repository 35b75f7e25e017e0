import { z } from 'daruma';
import { jsonInit, request } from './post-request.ts';

/** An issue; `repository` is `owner/name`. */
export interface Issue {
  repository: string;
  number: number;
}

interface Terms {
  /** Without the last slash, as `https://api.github.com`. */
  api: string;
  token: string;
  fetch: Parameters<typeof request>[2]['fetch'];
}

const PER_PAGE = 100;
const comments = z.array(z.object({ id: z.number(), body: z.string().nullable() }));

/** A comment in the source of a comment, which shows the job that wrote it to whoever looks for it. */
export const markOf = (job: string): string => `<!-- daruma ${job} -->`;

/** The calls of GitHub's API for issues. Each throws as `request` does. */
export function createGithub({ api, token, fetch }: Terms) {
  const headers = {
    accept: 'application/vnd.github+json',
    authorization: `Bearer ${token}`,
    'user-agent': 'daruma',
    'x-github-api-version': '2022-11-28',
  };
  const asked = { fetch, network: 'GitHub' };
  const at = ({ repository, number }: Issue) => `${api.replace(/\/+$/, '')}/repos/${repository}/issues/${number}`;
  return {
    async addLabels(issue: Issue, labels: readonly string[]): Promise<void> {
      await request(`${at(issue)}/labels`, jsonInit({ labels }, headers), asked);
    },
    /** Resolves with the id of the new comment. */
    async comment(issue: Issue, body: string): Promise<number> {
      const answer = await request(`${at(issue)}/comments`, jsonInit({ body }, headers), asked);
      return z.object({ id: z.number() }).parse(answer.body).id;
    },
    /** The id of the comment that holds the text; null: there is none. */
    async findComment(issue: Issue, text: string): Promise<number | null> {
      for (let page = 1; ; page++) {
        const answer = await request(`${at(issue)}/comments?per_page=${PER_PAGE}&page=${page}`, { headers }, asked);
        const found = comments.parse(answer.body);
        const mine = found.find(({ body }) => body?.includes(text));
        if (mine) return mine.id;
        if (found.length < PER_PAGE) return null;
      }
    },
  };
}
