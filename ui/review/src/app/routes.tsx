// All pages, each loaded when it is first shown. `/` and `/view/…` are what the server answers with the viewer.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { ReviewSearch } from "../review/search.ts";
import { parseSearch, stringifySearch } from "./address.ts";
import { Shell } from "./Shell.tsx";
import { Empty, Failed, Loading } from "./states.tsx";

const root = createRootRoute({ component: Shell });
const getParentRoute = () => root;

const sessions = createRoute({
  getParentRoute,
  path: "/",
  component: lazyRouteComponent(() => import("../sessions/SessionsPage.tsx"), "SessionsPage"),
});

const review = createRoute({
  getParentRoute,
  path: "/view/review/$session",
  validateSearch: (search) => ReviewSearch.parse(search),
  component: lazyRouteComponent(() => import("../review/ReviewPage.tsx"), "ReviewPage"),
});

export const router = createRouter({
  routeTree: root.addChildren([sessions, review]),
  parseSearch,
  stringifySearch,
  defaultPendingComponent: () => <Loading what="the page" />,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} again={reset} />,
  defaultNotFoundComponent: () => (
    <Empty>
      There is no such page. <a href="/">All sessions</a>
    </Empty>
  ),
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
