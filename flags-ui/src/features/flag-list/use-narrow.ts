import { useMediaQuery } from '@mantine/hooks';

/** A phone, or a window as narrow as one. */
export const useNarrow = () => useMediaQuery('(max-width: 47.99em)', undefined, { getInitialValueInEffect: false }) ?? false;
