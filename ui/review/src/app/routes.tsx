// All pages, each loaded when it is first shown. `/` and `/view/…` are what the server answers with the viewer.
import { createRootRoute, createRoute, createRouter, lazyRouteComponent } from "@tanstack/react-router";
import { CompareParameters } from "../compare/address.ts";
import { PracticeParameters } from "../practice/address.ts";
import { ReviewSearch } from "../review/search.ts";
import { SearchParameters } from "../search/address.ts";
import { BoardParameters } from "../try/address.ts";
import { parseSearch, stringifySearch } from "./address.ts";
import { Shell } from "./Shell.tsx";
import { Failed, Loading, Nothing } from "./states.tsx";

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

const search = createRoute({
  getParentRoute,
  path: "/view/search/$session",
  validateSearch: (given) => SearchParameters.parse(given),
  component: lazyRouteComponent(() => import("../search/SearchPage.tsx"), "SearchPage"),
});

const compare = createRoute({
  getParentRoute,
  path: "/view/compare/$session",
  validateSearch: (given) => CompareParameters.parse(given),
  component: lazyRouteComponent(() => import("../compare/ComparePage.tsx"), "ComparePage"),
});

const practice = createRoute({
  getParentRoute,
  path: "/view/practice/$session",
  validateSearch: (given) => PracticeParameters.parse(given),
  component: lazyRouteComponent(() => import("../practice/PracticePage.tsx"), "PracticePage"),
});

const board = createRoute({
  getParentRoute,
  path: "/view/board",
  validateSearch: (given) => BoardParameters.parse(given),
  component: lazyRouteComponent(() => import("../try/BoardPage.tsx"), "BoardPage"),
});

// components with made-up data: while developing, and in no build
const gallery = import.meta.env.DEV
  ? [
      createRoute({
        getParentRoute,
        path: "/view/gallery",
        component: lazyRouteComponent(() => import("../gallery/GalleryPage.tsx"), "GalleryPage"),
      }),
    ]
  : [];

export const router = createRouter({
  routeTree: root.addChildren([sessions, review, search, compare, practice, board, ...gallery]),
  parseSearch,
  stringifySearch,
  defaultPendingComponent: () => <Loading what="the page" />,
  defaultErrorComponent: ({ error, reset }) => <Failed error={error} again={reset} />,
  defaultNotFoundComponent: () => (
    <Nothing title="There is no such page">
      <a href="/">All sessions</a>
    </Nothing>
  ),
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
