// The analysis of the board that is shown, asked for once it has stood still for a moment; never that of another board.
import { useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import type { Analysis } from "../api/schemas.ts";
import { boardText } from "../game/links.ts";
import type { Board } from "../game/rules.ts";
import { analysisQuery } from "./queries.ts";

const STILL_MS = 180;

export interface Asked {
  analysis: Analysis | undefined;
  isAsking: boolean;
  /** Why the server is asked again: it has other analyses to do first, or prepares itself. */
  delay: unknown;
  error: unknown;
  ask: () => void;
}

export function useAnalysis(board: Board, depth: number, isLive: boolean, isPossible: boolean): Asked {
  const wanted = `${boardText(board)} ${depth}`;
  const [settled, setSettled] = useState("");
  useEffect(() => {
    if (!isLive) return;
    const timer = setTimeout(() => setSettled(wanted), STILL_MS);
    return () => clearTimeout(timer);
  }, [isLive, wanted]);
  const enabled = isPossible && settled === wanted;
  const { data, error, failureReason, isFetching, refetch } = useQuery({
    ...analysisQuery(board, depth),
    enabled,
  });
  return {
    analysis: data,
    isAsking: isFetching || (isLive && isPossible && !enabled && !data),
    delay: isFetching ? failureReason : null,
    error: isPossible ? error : null,
    ask: () => {
      setSettled(wanted);
      if (error) void refetch();
    },
  };
}
